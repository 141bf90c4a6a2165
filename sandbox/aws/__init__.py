"""AWS on one machine: the emulator, the real build and deploy, and views into what runs."""
