"""What models are asked, each text beside the schema of its answer and under one version."""
