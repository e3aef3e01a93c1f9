"""`python -m caseload_sim`: the command line, also where no script was installed on the path."""

from caseload_sim.cli.main import main

main()
