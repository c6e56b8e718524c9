"""What physically is: trucks and their drivers, lanes, arms, lamps, weather.

The world does not know that anyone looks at it: a driver sees the arm and the lamp, not the
controller behind them; a loop or a camera subscribes to places, and no vehicle knows of it.
"""
