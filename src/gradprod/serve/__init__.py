"""The ``gradprod`` command: a Voilà server that shows the app and serves nothing else."""
