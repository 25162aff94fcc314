"""What `harness init` writes into somebody's repository."""
