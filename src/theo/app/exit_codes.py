"""What a command ends with: 0 done, 1 the platform found something wrong, 2 a mistake in what was asked, 130 interrupted."""

EXIT_PROBLEM, EXIT_USER, EXIT_INTERRUPTED = 1, 2, 130
