"""What a task is made of, and the tasks there are."""
