"""Complete forks beside the one in `shared/`: what an operator of another legacy system writes."""
