"""The terminal side of TrustAI over al_core."""
