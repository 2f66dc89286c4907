"""Access to the dashboard: accounts, login, sessions and the headers that protect its pages.

`guard.install` puts all of it around an application. `link.login_link` needs no web framework, so
the demo and the command line can import it at no cost.
"""
