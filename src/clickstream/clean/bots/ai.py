"""Programs that fetch pages for artificial intelligence, by what their operators use them for.

Training takes pages into a model for good; search keeps an index that answers link to; a user's
fetch happens because a person asked, there and then. Tokens that exist in robots.txt only, such as
Google-Extended and Applebot-Extended, never ask for a page and so are not here.
"""

from __future__ import annotations

from clickstream.clean.bots.verdict import AI_SEARCH, AI_TRAINING, AI_USER

AI_AGENTS: dict[str, tuple[str, ...]] = {
    AI_TRAINING: (
        "GPTBot",  # https://platform.openai.com/docs/bots
        "ClaudeBot",  # https://support.anthropic.com/en/articles/8896518
        "anthropic-ai",  # its forerunner
        "Claude-Web",  # its forerunner
        "CCBot",  # https://commoncrawl.org/ccbot
        "Bytespider",  # https://www.bytespider.net
        "TikTokSpider",  # https://www.bytespider.net
        "imageSpider",  # https://knownagents.com/agents/imagespider
        "meta-externalagent",  # https://developers.facebook.com/docs/sharing/webmasters/web-crawlers
        "FacebookBot",  # https://developers.facebook.com/docs/sharing/bot
        "Amazonbot",  # https://developer.amazon.com/amazonbot
        "cohere-training-data-crawler",  # https://cohere.com
        "DeepSeekBot",  # https://www.deepseek.com
        "ChatGLM-Spider",  # https://chatglm.cn
        "PanguBot",  # https://www.huaweicloud.com/intl/en-us/product/pangu.html
        "SBIntuitionsBot",  # https://www.sbintuitions.co.jp/en/bot
        "Kangaroo Bot",  # https://kangaroollm.com.au/kangaroo-bot
        "AI2Bot",  # https://allenai.org/crawler
        "Ai2Bot",  # https://allenai.org/crawler
        "Diffbot",  # https://docs.diffbot.com
        "omgili",  # https://webz.io/blog/machine-learning
        "Webzio-Extended",  # https://webz.io/blog/machine-learning
        "ImagesiftBot",  # https://imagesift.com/about
        "img2dataset",  # https://github.com/rom1504/img2dataset
        "laion-huggingface-processor",  # https://laion.ai/faq
        "Cotoyogi",  # https://ds.rois.ac.jp/en_center8/en_crawler
        "Reflectionbot",  # https://reflection.ai
        "Brightbot",  # https://brightdata.com/brightbot
    ),
    AI_SEARCH: (
        "OAI-SearchBot",  # https://platform.openai.com/docs/bots
        "PerplexityBot",  # https://docs.perplexity.ai/guides/bots
        "Claude-SearchBot",  # https://support.anthropic.com/en/articles/8896518
        "Amzn-SearchBot",  # https://developer.amazon.com/amazonbot
        "bedrockbot",  # https://docs.aws.amazon.com/bedrock/latest/userguide/kb-data-source-customize.html
        "KendraBot",  # https://docs.aws.amazon.com/kendra
        "meta-webindexer",  # https://developers.facebook.com/docs/sharing/webmasters/web-crawlers
        "AzureAI-SearchBot",  # https://azure.microsoft.com/en-us/products/ai-services
        "Google-CloudVertexBot",  # https://developers.google.com/search/docs/crawling-indexing
        "YouBot",  # https://about.you.com/youbot
        "PhindBot",  # https://www.phind.com
        "LinkupBot",  # https://linkup.so/bot
        "TavilyBot",  # https://tavily.com
        "ExaSearchBot",  # https://exa.ai
        "ShapBot",  # https://docs.parallel.ai/resources/crawler
        "iAskBot",  # https://iask.ai
        "iaskspider",  # https://iask.ai
        "Andibot",  # https://andisearch.com
        "Anomura",  # https://docs.direqt-search.com/direqt-bots/direqt-crawlers-and-user-agents
        "atlassian-bot",  # https://support.atlassian.com/organization-administration/docs
        "Cloudflare-AutoRAG",  # https://developers.cloudflare.com/ai-search
        "QualifiedBot",  # https://www.qualified.com
        "KlaviyoAIBot",  # https://help.klaviyo.com/hc/en-us/articles/40496146232219
        "AISearchBot",  # https://knownagents.com/agents/aisearchbot
        "ZanistaBot",  # https://zanista.ai/crawler-info
        "Aranet-SearchBot",  # https://aranet.ai/bot
        "LinerBot",  # https://docs.getliner.com/docs/linerbot
        "Channel3Bot",  # https://trychannel3.com/channel3bot
        "HenkBot",  # https://valyu.ai/crawler
        "IsonSearchBot",  # https://docs.isonai.com/en/bots
    ),
    AI_USER: (
        "ChatGPT-User",  # https://platform.openai.com/docs/bots
        "ChatGPT-Browser",  # https://openai.com/bot
        "Claude-User",  # https://support.anthropic.com/en/articles/8896518
        "Perplexity-User",  # https://docs.perplexity.ai/guides/bots
        "PerplexityUser",  # https://docs.perplexity.ai/guides/bots
        "MistralAI-User",  # https://docs.mistral.ai/robots
        "DuckAssistBot",  # https://duckduckgo.com/duckduckgo-help-pages/results/duckassistbot
        "meta-externalfetcher",  # https://developers.facebook.com/docs/sharing/webmasters/web-crawlers
        "Amzn-User",  # https://developer.amazon.com/amazonbot
        "Google-NotebookLM",  # https://developers.google.com/search/docs/crawling-indexing
        "Google-GeminiNotebook",  # https://developers.google.com/search/docs/crawling-indexing
        "Google-Agent",  # https://developers.google.com/search/docs/crawling-indexing
        "GoogleAgent-Mariner",  # https://deepmind.google/models/project-mariner
        "Gemini-Deep-Research",  # https://gemini.google/overview/deep-research
        "Google-Gemini-CLI",  # https://github.com/google-gemini/gemini-cli
        "cohere-ai",  # https://cohere.com
        "kagi-fetcher",  # https://help.kagi.com/kagi/ai/kagi-ai.html
        "Manus-User",  # https://manus.im
        "Novaact",  # https://nova.amazon.com/act
        "Amazon-Bedrock-AgentCore-Browser",  # https://docs.aws.amazon.com/bedrock-agentcore
        "IsonAI-User",  # https://docs.isonai.com/en/bots
        "linkReader",  # https://sider.ai
    ),
}
"""The names, as the user agents spell them, of each class; documented at the address beside."""
