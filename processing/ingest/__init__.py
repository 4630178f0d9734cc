"""What arrives: archives, confinement, manifests, sorting."""
