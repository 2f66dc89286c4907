"""Parts of pages that two tabs or more use."""
