"""Access to the dashboard: accounts, login, sessions and the headers that protect its pages.

`guard.install` adds all of it to an application. `link.login_link` needs no web framework, so the
demo and the command line can import it cheaply.
"""
