"""What the studies are held to: bars, findings, published figures."""
