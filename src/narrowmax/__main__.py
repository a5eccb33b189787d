"""`python -m narrowmax` is `narrowmax`."""

from narrowmax.cli import main

main()
