"""In place of the child process that analyses: it does nothing, for tests of what it is handed."""
