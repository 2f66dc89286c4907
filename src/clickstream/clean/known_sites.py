"""Sites and apps that send visitors, by what they are: search, social network, mail and so on.

One line for each source: its name, then its hosts. A host stands for its subdomains too, the
longest that fits counts, and a last label `*` is any country's ending (google.de, google.co.uk).
The hosts are facts, gathered from public knowledge and from the list of search engines, social
networks and assistants that the Matomo community keeps (searchengine-and-social-list, CC0 1.0).
"""

from __future__ import annotations

SORTS = ("search", "social", "video", "shopping", "email", "ai assistant", "app", "other")
"""Every sort of source."""

SOCIAL = """
badoo: badoo.com
bebo: bebo.com
blackplanet: blackplanet.com
blogger: blogger.com
bluesky: bsky.app skyfeed.app
buzznet: buzznet.com
classmates: classmates.com
cyworld: cyworld.com
digg: digg.com
discord: discord.com discord.gg discordapp.com
douban: douban.com
dribbble: dribbble.com
facebook: facebook.com fb.com fb.me messenger.com
flickr: flickr.com
flixster: flixster.com
fotolog: fotolog.com
foursquare: foursquare.com
friends reunited: friendsreunited.com
friendster: friendster.com
gaia online: gaiaonline.com
geni: geni.com
github: github.com
google plus: plus.google.com plus.url.google.com
gree: gree.jp
habbo: habbo.com
hacker news: news.ycombinator.com
hi5: hi5.com
hyves: hyves.nl
identi.ca: identi.ca
instagram: instagram.com instagr.am
kakao: story.kakao.com
lang-8: lang-8.com
last.fm: last.fm lastfm.de lastfm.fr lastfm.ru lastfm.es lastfm.it lastfm.jp lastfm.pl \
lastfm.com.br lastfm.se lastfm.com.tr
line: line.me
linkedin: linkedin.com lnkd.in
linktree: linktr.ee
livejournal: livejournal.com livejournal.ru
lobsters: lobste.rs
mastodon: mastodon.social mastodon.online mastodon.cloud mastodon.world mastodon.art mastodon.scot \
mastodon.nz mastodon.xyz mastodonapp.uk mstdn.social mstdn.io mstdn.jp mstdn.party mas.to masto.ai \
fosstodon.org hachyderm.io chaos.social infosec.exchange techhub.social universeodon.com mamot.fr \
pawoo.net social.vivaldi.net toot.community troet.cafe mastodon.technology mastodon.at \
mastodon.eus friends.nico quey.org botsin.space social.tchncs.de knzk.me mastodont.cat \
bitcoinhackers.org cybre.space vis.social typo.social front-end.social newsie.social \
indieweb.social sfba.social c.im ohai.social graphics.social tkm.eus mastodon.jalgi.eus
medium: medium.com
meetup: meetup.com
meinvz: meinvz.net
missevan: missevan.com
mixi: mixi.jp
moikrug: moikrug.ru
multiply: multiply.com
my.mail.ru: my.mail.ru
myheritage: myheritage.com
myspace: myspace.com
netlog: netlog.com
nextdoor: nextdoor.com
nk.pl: nk.pl
odnoklassniki: ok.ru odnoklassniki.ru
orkut: orkut.com
peepeth: peepeth.com
pinterest: pinterest.* pin.it
pixelfed: pixelfed.social pixelfed.de pxlmo.com metapixl.com pix.toot.wales pixelfed.uno pixey.org
plaxo: plaxo.com
quora: quora.com
qzone: qzone.qq.com
reddit: reddit.com redd.it
renren: renren.com
skyrock: skyrock.com
slideshare: slideshare.net
snapchat: snapchat.com
sonico: sonico.com
soundcloud: soundcloud.com gate.sc
sourceforge: sourceforge.net
stack exchange: stackexchange.com serverfault.com superuser.com askubuntu.com
stackoverflow: stackoverflow.com
strava: strava.com
studivz: studivz.net
stumbleupon: stumbleupon.com
tagged: tagged.com
taringa: taringa.net
telegram: t.me web.telegram.org telegram.me
threads: threads.net threads.com
tiktok: tiktok.com
tripadvisor: tripadvisor.*
tuenti: tuenti.com
tumblr: tumblr.com t.umblr.com
twitter: twitter.com x.com t.co
v2ex: v2ex.com
viadeo: viadeo.com
vk: vk.com vkontakte.ru m.vk.ru
wayn: wayn.com
wechat: wechat.com mp.weixin.qq.com open.weixin.qq.com channels.weixin.qq.com
weeworld: weeworld.com
weibo: weibo.com weibo.cn t.cn
whatsapp: whatsapp.com wa.me
workplace: workplace.com
xanga: xanga.com
xing: xing.com
yelp: yelp.*
zhihu: zhihu.com
"""

VIDEO = """
bilibili: bilibili.com b23.tv
dailymotion: dailymotion.com dai.ly
douyin: douyin.com
douyu: douyu.com
huya: huya.com
iqiyi: iqiyi.com
kick: kick.com
netflix: netflix.com
niconico: nicovideo.jp nico.ms
odysee: odysee.com
peertube: joinpeertube.org
rumble: rumble.com
rutube: rutube.ru
twitcasting: twitcasting.tv
twitch: twitch.tv
vimeo: vimeo.com
wistia: wistia.com
youku: youku.com
youtube: youtube.com youtu.be youtube-nocookie.com
"""

SHOPPING = """
alibaba: alibaba.com 1688.com
aliexpress: aliexpress.com aliexpress.ru
allegro: allegro.pl
amazon: amazon.* amzn.to
billiger: billiger.de
bol: bol.com
ebay: ebay.*
etsy: etsy.com
flipkart: flipkart.com
geizhals: geizhals.de geizhals.at
google shopping: shopping.google.com
idealo: idealo.*
jd: jd.com
kelkoo: kelkoo.*
kleinanzeigen: kleinanzeigen.de
mercadolibre: mercadolibre.* mercadolivre.com.br
naver shopping: shopping.naver.com
otto: otto.de
ozon: ozon.ru
pricegrabber: pricegrabber.com
rakuten shopping: rakuten.co.jp rakuten.com
shein: shein.com
shopee: shopee.*
shopify: shop.app myshopify.com
shopzilla: shopzilla.com bizrate.com
taobao: taobao.com tmall.com
temu: temu.com
walmart: walmart.com walmart.ca
wildberries: wildberries.ru
yahoo shopping: shopping.yahoo.com shopping.yahoo.co.jp
zalando: zalando.*
"""

EMAIL = """
163 mail: mail.163.com mail.126.com
aol mail: mail.aol.com
fastmail: app.fastmail.com
freenet mail: email.freenet.de
gmail: mail.google.com
gmx mail: navigator.gmx.net deref-gmx.net deref-gmx.com
icloud mail: icloud.com
libero mail: mail.libero.it
mail.ru mail: e.mail.ru
naver mail: mail.naver.com
orange mail: mail01.orange.fr messagerie.orange.fr
outlook: outlook.com outlook.live.com outlook.office.com outlook.office365.com mail.live.com \
safelinks.protection.outlook.com statics.teams.cdn.office.net
proton mail: mail.proton.me mail.protonmail.com
qq mail: mail.qq.com
seznam mail: email.seznam.cz
t-online mail: email.t-online.de
web.de mail: navigator.web.de deref-web.de
yahoo mail: mail.yahoo.com mail.yahoo.co.jp
yandex mail: mail.yandex.ru mail.yandex.com
zoho mail: mail.zoho.com mail.zoho.eu
"""

AI_ASSISTANTS = """
baidu ai: yiyan.baidu.com ai.baidu.com chat.baidu.com
chatglm: chatglm.cn
chatgpt: chatgpt.com chat.openai.com labs.openai.com
claude: claude.ai
copilot: copilot.microsoft.com copilot.cloud.microsoft edgeservices.bing.com
deepseek: deepseek.com
doubao: doubao.com
duck.ai: duck.ai
gemini: gemini.google.com bard.google.com
grok: grok.com
iask: iask.ai
jasper: app.jasper.ai
kimi: kimi.com kimi.moonshot.cn
le chat: chat.mistral.ai
meta ai: meta.ai
notebooklm: notebooklm.google.com
perplexity: perplexity.ai
phind: phind.com
pi.ai: pi.ai
poe: poe.com
qwen: chat.qwen.ai tongyi.aliyun.com
writesonic: app.writesonic.com
you.com: you.com
"""

# Corners of search engines' and networks' domains where nobody searches, and readers' front ends.
OTHER = """
blogspot: blogspot.*
feedburner: feedburner.com feedproxy.google.com
feedly: feedly.com
google accounts: accounts.google.com
google ads: ads.google.com adwords.google.com tagassistant.google.com
google analytics: analytics.google.com
google business: business.google.com
google cache: webcache.googleusercontent.com
google classroom: classroom.google.com
google docs: docs.google.com drive.google.com script.google.com
google groups: groups.google.*
google meet: meet.google.com chat.google.com hangouts.google.com
google play: play.google.com
google sites: sites.google.com
google support: support.google.com
yahoo answers: answers.yahoo.com
yahoo groups: groups.yahoo.com
"""

# Packages of Android and numbers of the App Store: the hosts of android-app:// and ios-app://.
APPS = """
bing: com.microsoft.bing
bluesky: xyz.blueskyweb.app
chatgpt: com.openai.chatgpt 6448311069
claude: com.anthropic.claude 6473753684
copilot: com.microsoft.copilot
discord: com.discord
duckduckgo: com.duckduckgo.mobile.android
ecosia: com.ecosia.android
facebook: com.facebook.katana com.facebook.lite com.facebook.orca 284882215
gemini: com.google.android.apps.bard 6477489729
gmail: com.google.android.gm com.google.android.gm.lite 422689480
google: com.google.android.googlequicksearchbox com.google.android.apps.searchlite 284815942
google plus: com.google.android.apps.plus
instagram: com.instagram.android com.instagram.lite 389801252
line: jp.naver.line.android
linkedin: com.linkedin.android 288429040
mastodon: org.joinmastodon.android
outlook: com.microsoft.office.outlook
perplexity: ai.perplexity.app.android
pinterest: com.pinterest 429047995
reddit: com.reddit.frontpage 1064216828
snapchat: com.snapchat.android 447188370
telegram: org.telegram.messenger org.thunderdog.challegram 686449807
threads: com.instagram.barcelona
tiktok: com.zhiliaoapp.musically com.ss.android.ugc.trill 835599320
twitter: com.twitter.android 333903271
vk: com.vkontakte.android
wechat: com.tencent.mm
whatsapp: com.whatsapp com.whatsapp.w4b 310633997
yahoo mail: com.yahoo.mobile.client.android.mail
youtube: com.google.android.youtube 544007664
"""

# What people write in utm_source for a source above, besides its name and its hosts.
ALIASES = """
chatgpt: openai
facebook: fb meta face facebookads facebook-ads facebook_ads fb-ads facebook_mobile
google: adwords googleads google-ads google_ads
instagram: ig insta
linkedin: li linked-in
pinterest: pin
telegram: tg
tiktok: tik-tok
twitter: x tw
whatsapp: wa
youtube: yt
"""
