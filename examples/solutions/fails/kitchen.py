PANTRY = {"flour": "500 g", "sugar": "200 g", "butter": "250 g", "eggs": "4"}


class RecipeError(Exception):
    """The cake cannot be baked."""


def fetch(ingredient):
    return PANTRY[ingredient]


def bake(ingredients):
    for step, ingredient in enumerate(ingredients, start=1):
        try:
            amount = fetch(ingredient)
        except KeyError as error:
            raise RecipeError(f"step {step} of {len(ingredients)} needs {ingredient}, and the pantry has none") from error
        print(f"  {step}. {ingredient}: {amount}")
