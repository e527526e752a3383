"""The workshop: what ``make`` needs to build, start, test and document FlowDrop. No part of the installed package."""
