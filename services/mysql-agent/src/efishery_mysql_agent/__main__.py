"""`python -m efishery_mysql_agent`, the same as the command `mysql-agent`."""

from efishery_mysql_agent.cli import main

main()
