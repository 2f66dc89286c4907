"""Changes: how the numbers of a page's range differ from the weeks before, beyond chance."""
