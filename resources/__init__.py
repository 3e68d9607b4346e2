"""What making data needs from the world: settings, columns, files, tables, readers, LLM cleaning."""
