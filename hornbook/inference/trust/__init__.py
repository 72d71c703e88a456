"""How far what runs predict can be trusted."""
