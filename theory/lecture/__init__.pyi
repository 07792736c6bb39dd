from .chapter import Chapter as Chapter
from .chapter import Result as Result
from .contents import chapters as chapters
from .contents import identities as identities
from .contents import to_latex as to_latex
from .contents import to_markdown as to_markdown
from .contents import to_text as to_text
from .render import chapter_markdown as chapter_markdown
