"""The table that decides the channel of an arrival: the first rule that holds, from the top.

It is TOML, so that anyone can copy it, edit it and set it in its place. Definitions and order are
those of GA4's default channel group (support.google.com/analytics/answer/9756891). Ours are the
rows of AI assistants and of webmail, and newsletters among the emails.
"""

DEFAULT_CHANNEL_RULES = r"""
rules = [
  { channel = "Direct", source = '\(direct\)', medium = '\(none\)|\(not set\)|' },
  { channel = "Cross-network", campaign = '.*cross-network.*' },
  { channel = "Paid Shopping", medium = '.*cp.*|ppc|retargeting|paid.*', sort = "shopping" },
  { channel = "Paid Shopping", medium = '.*cp.*|ppc|retargeting|paid.*', campaign = '(.*[^a-df-z])?shop.*|.*shopping.*' },
  { channel = "Paid Search", medium = '.*cp.*|ppc|retargeting|paid.*', sort = "search" },
  { channel = "Paid Social", medium = '.*cp.*|ppc|retargeting|paid.*', sort = "social" },
  { channel = "Paid Video", medium = '.*cp.*|ppc|retargeting|paid.*', sort = "video" },
  { channel = "Display", medium = 'display|banner|expandable|interstitial|cpm' },
  { channel = "Paid Other", medium = '.*cp.*|ppc|retargeting|paid.*' },
  { channel = "Organic Shopping", sort = "shopping" },
  { channel = "Organic Shopping", campaign = '(.*[^a-df-z])?shop.*|.*shopping.*' },
  { channel = "Organic Social", sort = "social" },
  { channel = "Organic Social", medium = 'social|social[- ]network|social[- ]media|sm' },
  { channel = "Organic Video", sort = "video" },
  { channel = "Organic Video", medium = '.*video.*' },
  { channel = "AI Assistants", sort = "ai assistant" },
  { channel = "Organic Search", sort = "search" },
  { channel = "Organic Search", medium = 'organic' },
  { channel = "Email", sort = "email" },
  { channel = "Referral", medium = 'referral|app|link' },
  { channel = "Email", source = 'e[-_ ]?mail|newsletter' },
  { channel = "Email", medium = 'e[-_ ]?mail|newsletter' },
  { channel = "Affiliates", medium = 'affiliates?' },
  { channel = "Audio", medium = 'audio' },
  { channel = "SMS", source = 'sms' },
  { channel = "SMS", medium = 'sms' },
  { channel = "Mobile Push Notifications", source = 'firebase' },
  { channel = "Mobile Push Notifications", medium = '.*push|.*mobile.*|.*notification.*' },
]
"""  # noqa: E501
