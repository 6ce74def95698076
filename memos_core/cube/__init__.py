"""MemCube: a container of memory as a folder or one archive, to be carried elsewhere."""
