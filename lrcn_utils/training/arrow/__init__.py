"""The arrow of time: is a film played forwards or backwards? And is it the film that tells, or its codec?"""
