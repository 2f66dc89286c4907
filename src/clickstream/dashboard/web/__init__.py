"""The web application: routes, rendering, navigation and static files."""
