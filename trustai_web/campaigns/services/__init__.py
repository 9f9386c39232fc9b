"""Every write about campaigns: one module a noun."""
