"""PHP's value semantics, as far as first-generation nodes show them.

FlowDrop's original processors are PHP with strict types. Their visible behaviour (what ``==`` means, how a float prints,
which array keys survive a filter) is what authors built on, so it is reproduced here once, as pure functions on JSON
values, and measured against ``golden/``. A PHP array arrives as a list or an object; :mod:`.arrays` bridges the two.
"""
