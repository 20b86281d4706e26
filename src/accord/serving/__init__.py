"""What happens under real traffic: discrete events, iteration by iteration."""
