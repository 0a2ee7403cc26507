"""What runs inside the seal: each module has one function that runs a file of the work folder and returns the exit code."""
