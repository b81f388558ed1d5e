# expect: ok
import cProfile
profile = cProfile.Profile()
profile.enable()
print(1 + 1)
# prints: 2
