"""Who is faster, by how much, and from which size on."""
