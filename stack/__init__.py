"""The processes that make up a running TrustAI, and how to start them on one machine."""
