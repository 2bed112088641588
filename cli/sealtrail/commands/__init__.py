"""The commands, one file each; a file exports `command`."""
