"""What is fitted. A problem knows no solver."""
