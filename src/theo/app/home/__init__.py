"""What a home holds: its folders and name, its journals and the tables projected from them, audit trail, backups."""
