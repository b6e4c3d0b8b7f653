"""Runs tests that are plain functions, and says how they came out."""
import traceback


def run(tests, *arguments):
    """Runs each with these arguments; prints a line a test and a sum, and returns the exit code."""
    failed = 0
    for test in tests:
        try:
            test(*arguments)
            print(f"ok      {test.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {test.__name__}")
            traceback.print_exc()
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
