"""Search engines and their hosts, written as the tables of known_sites are.

Portals stand here with the host of their search only. The hosts are facts, gathered from public
knowledge and from the list that the Matomo community keeps (searchengine-and-social-list, CC0 1.0).
"""

from __future__ import annotations

SEARCH = """
1und1: suche.1und1.de search.1und1.de
360 search: so.com so.360.cn sou.com haosou.com
abacho: abacho.de abacho.com abacho.at abacho.fr abacho.ch
acoon: acoon.de
alltheinternet: alltheinternet.com
alltheweb: alltheweb.com
altavista: altavista.com altavista.de altavista.fr
aol: search.aol.com search.aol.co.uk search.aol.it aolsearch.aol.com aolsearch.aol.co.uk \
recherche.aol.fr recherche.aol.ca suche.aol.de
aport: sm.aport.ru
ask: ask.com ask.co.uk
atlas.cz: searchatlas.centrum.cz
auone: search.auone.jp sp-search.auone.jp
avast: search.avast.com
avg: search.avg.com isearch.avg.com
avira: search.avira.com search.avira.net safesearch.avira.com
babylon: search.babylon.com isearch.babylon.com
baidu: baidu.com baidu.co.th
biglobe: cgi.search.biglobe.ne.jp
bing: bing.com cc.bingj.com
blekko: blekko.com
bluewin: search.bluewin.ch
brave: search.brave.com
bt: search.bt.com
centrum: search.centrum.cz
coccoc: coccoc.com
comcast: search.comcast.net search.xfinity.com
conduit: search.conduit.com
cuil: cuil.com
daum: search.daum.net
delta search: delta-search.com
disconnect: search.disconnect.me
dmoz: dmoz.org
dogpile: dogpile.com
duckduckgo: duckduckgo.com duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion
earthlink: search.earthlink.net
ecosia: ecosia.org
eniro: eniro.se
entireweb: entireweb.com
epic search: epicsearch.in
euroseek: euroseek.com
everyclick: everyclick.com
exalead: exalead.com exalead.fr
excite: search.excite.it search.excite.fr search.excite.de search.excite.co.uk
f-secure: search.f-secure.com searches.f-secure.com
fireball: fireball.com fireball.de
forestle: forestle.org
free.fr: search.free.fr
freenet: suche.freenet.de
freespoke: freespoke.com
frontier: search.frontier.com
gibiru: gibiru.com
gigablast: gigablast.com
gmx: suche.gmx.net search.gmx.com
goo: search.goo.ne.jp
google: google.* googlesyndicatedsearch.com
hotbot: hotbot.com
icerocket: blogs.icerocket.com
incredimail: search.incredimail.com
info.com: info.com
infospace: infospace.com
juno: search.juno.com
jyxo: jyxo.1188.cz
kagi: kagi.com
karmasearch: karmasearch.org
kvasir: kvasir.no
libero: arianna.libero.it
lilo: search.lilo.org
looksmart: looksmart.com
lycos: lycos.*
mail.ru: go.mail.ru
mamma: mamma.com
marginalia: search.marginalia.nu marginalia-search.com
meta.ua: meta.ua
metager: metager.de metager.org
mojeek: mojeek.com
msn: search.msn.com search.live.com
mywebsearch: mywebsearch.com search.mywebsearch.com search.myway.com
najdi.si: najdi.si
nate: search.nate.com
naver: search.naver.com
need2find: need2find.com
neti: neti.ee
nifty: search.nifty.com
nigma: nigma.ru
oceanhero: oceanhero.today
onet: szukaj.onet.pl
orange.fr: lemoteur.orange.fr busca.orange.es
peoplepc: search.peoplepc.com
petal search: petalsearch.com
picsearch: picsearch.com
plusnetwork: plusnetwork.com
poisk.ru: poisk.ru
presearch: presearch.com presearch.org
privacywall: privacywall.org
qip: search.qip.ru
qwant: qwant.com
rakuten: websearch.rakuten.co.jp
rambler: nova.rambler.ru
road runner: search.rr.com
sapo: pesquisa.sapo.pt
scour: scour.com
search.ch: search.ch
search.com: search.com
searchalot: searchalot.com
searchlock: searchlock.com
seesaa: search.seesaa.jp
seznam: search.seznam.cz
sm.cn: sm.cn
softonic: search.softonic.com
sogou: sogou.com
soso: soso.com
sputnik: sputnik.ru
startpage: startpage.com ixquick.com ixquick.de \
startpagel6srwcjlue4zgq3zevrujfaow726kjytqbbjyrswwmjzcqd.onion
startsiden: startsiden.no
stract: stract.com
suche.info: suche.info
surf canyon: surfcanyon.com
swisscows: swisscows.com
t-online: suche.t-online.de
teoma: teoma.com
terra: buscador.terra.com.br buscador.terra.es
tiscali: search.tiscali.it
uol: busca.uol.com.br
verizon: searchresults.verizon.com
virgilio: ricerca.virgilio.it
voila: search.ke.voila.fr
volny: web.volny.cz
vuhuv: vuhuv.com
walla: search.walla.co.il
web.de: suche.web.de
web.nl: web.nl
webcrawler: webcrawler.com metacrawler.com
wp.pl: szukaj.wp.pl
yahoo: yahoo.* search.yahoo.com
yam: search.yam.com
yandex: yandex.* ya.ru
yep.com: yep.com
yippy: search.yippy.com
zapmeta: zapmeta.*
zonealarm: search.zonealarm.com
zoznam: zoznam.sk
zum: search.zum.com
"""
