"""What `theo doctor` looks at; each module one side of the set-up."""
