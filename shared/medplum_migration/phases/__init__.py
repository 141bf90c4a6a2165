"""The five phases and the one write protocol they share; ports only."""
