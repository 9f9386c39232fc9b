"""What each strategy and each way of diversity picks on one small pool in two dimensions, as pictures."""
