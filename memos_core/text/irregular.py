"""English forms that no stemmer takes back to their word: "went" is asked for as "go"."""

from __future__ import annotations

_FORMS = """
become became | begin began begun | bite bit bitten | blow blew blown | break broke broken | bring brought | build built | buy bought
catch caught | choose chose chosen | come came | draw drew drawn | drink drank drunk | drive drove driven | eat ate eaten | fall fell fallen
feed fed | feel felt | fight fought | find found | fly flew flown | forget forgot forgotten | forgive forgave forgiven | freeze froze frozen
get got gotten | give gave given | go went gone | grow grew grown | hang hung | hear heard | hide hid hidden | hold held | keep kept
know knew known | lay laid | lead led | learn learnt | leave left | lend lent | lose lost | make made | mean meant | meet met | pay paid
ride rode ridden | ring rang rung | rise rose risen | run ran | say said | see saw seen | seek sought | sell sold | send sent
shake shook shaken | shine shone | shoot shot | sing sang sung | sink sank sunk | sit sat | sleep slept | speak spoke spoken
spend spent | spin spun | stand stood | steal stole stolen | stick stuck | strike struck | swear swore sworn | swim swam swum
take took taken | teach taught | tear tore torn | tell told | think thought | throw threw thrown | understand understood
wake woke woken | wear wore worn | win won | write wrote written
child children | foot feet | tooth teeth | man men | woman women | mouse mice | person people | life lives | wife wives | knife knives
"""

BASES: dict[str, str] = {
    form: base for group in _FORMS.replace("\n", "|").split("|") if group.strip() for base, *forms in [group.split()] for form in forms
}
"""Form -> word, lower case."""
