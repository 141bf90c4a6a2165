"""`python -m medplum_migration.cli`: the command, where the script is not on the path."""

from medplum_migration.cli.main import main

main()
