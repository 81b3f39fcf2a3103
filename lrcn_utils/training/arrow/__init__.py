"""The arrow of time: is a film played forwards or backwards, and does the answer come from the film or from its codec?"""
