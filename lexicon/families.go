package lexicon

import "strings"

// families maps words that the rules would get wrong to their terms. It holds
// folded words, and of a feminine plural only the singular: a word is looked
// up as it is and again without its s.
var families = func() map[string]string {
	table := make(map[string]string)
	for line := range strings.Lines(irregular) {
		forms := strings.Fields(line)
		for _, form := range forms {
			table[form] = forms[0]
		}
	}
	for _, word := range strings.Fields(unrelated + invariable) {
		table[word] = word
	}
	return table
}()

// irregular lists words with forms that no rule joins, a word a line, the term first. Short and common adjectives are
// here because their endings are not safe as rules: -te would join port to porte, -ette would join banquet to
// banquette, -se devis to devise. For the same reason some real feminines are missing here: commune and commun,
// conduite and conduit are different words in contracts. So are travail, which is labour, and travaux, which are
// works.
//
// The last lines are words that people abbreviate, or write without the apostrophe.
const irregular = `
oeil yeux
ciel cieux
aieul aieule aieux
madame mesdames
monsieur messieurs
bail baux
corail coraux
email emaux
fermail fermaux
soupirail soupiraux
teletravail teletravaux
vantail vantaux
ventail ventaux
vitrail vitraux
bestiau bestiaux
biomateriau biomateriaux
etau etaux
esquimau esquimaude esquimaux
fabliau fabliaux
gruau gruaux
materiau materiaux
boreal boreale boreaux
deloyal deloyale deloyaux
ideal ideale ideaux
loyal loyale loyaux
royal royale royaux
egal egale
oral orale
adieu adieux
aveu aveux
camaieu camaieux
cheveu cheveux
desaveu desaveux
dieu dieux
enjeu enjeux
epieu epieux
essieu essieux
feu feux
hebreu hebreux
jeu jeux
lieu lieux
milieu milieux
moyeu moyeux
neveu neveux
pieu pieux
voeu voeux
bijou bijoux
caillou cailloux
chou choux
genou genoux
hibou hiboux
joujou joujoux
pou poux
beau bel belle
fou fol folle
jumeau jumelle
mou mol molle
nouveau nouvel nouvelle
tourangeau tourangelle
vieux vieil vieille
gentil gentille
nul nulle
pareil pareille
vermeil vermeille
bas basse
epais epaisse
gras grasse
gros grosse
las lasse
metis metisse
acquis acquise
admis admise
compris comprise
concis concise
exquis exquise
gris grise
imprecis imprecise
indecis indecise
indivis indivise
precis precise
requis requise
soumis soumise
clos close
epars eparse
divers diverse
pervers perverse
confus confuse
diffus diffuse
exclus excluse
inclus incluse
intrus intruse
obtus obtuse
doux douce
epoux epouse
faux fausse
frais fraiche
jaloux jalouse
roux rousse
tiers tierce
blanc blanche
franc franche
sec seche
caduc caduque
grec grecque
laic laique
parapublic parapublique
public publique
turc turque
aigu aigue
ambigu ambigue
contigu contigue
exigu exigue
long longue
oblong oblongue
brun brune
importun importune
inopportun inopportune
opportun opportune
fin fine
nain naine
sain saine
vain vaine
plein pleine
serein sereine
benin benigne
malin maligne
baron baronne
berrichon berrichonne
bon bonne
bourguignon bourguignonne
breton bretonne
bucheron bucheronne
champion championne
compagnon compagnonne
espion espionne
gascon gasconne
lapon lapone laponne
letton lettone lettonne
lion lionne
macon maconne
mignon mignonne
patron patronne
pieton pietonne
polisson polissonne
saxon saxonne
vigneron vigneronne
wallon wallonne
afghan afghane
anglican anglicane
artisan artisane
castillan castillane
catalan catalane
courtisan courtisane
gitan gitane
median mediane
musulman musulmane
occitan occitane
ottoman ottomane
partisan partisane
paysan paysanne
persan persane
rhenan rhenane
roman romane
texan texane
toscan toscane
vegan vegane
veteran veterane
allemand allemande
blond blonde
chaud chaude
fecond feconde
flamand flamande
friand friande
froid froide
gourmand gourmande
grand grande
laid laide
lourd lourde
marchand marchande
normand normande
profond profonde
rond ronde
second seconde
sourd sourde
vagabond vagabonde
adequat adequate
avocat avocate
candidat candidate
delicat delicate
immediat immediate
inadequat inadequate
indelicat indelicate
ingrat ingrate
laureat laureate
magistrat magistrate
mat mate
plat plate
scelerat scelerate
soldat soldate
cadet cadette
coquet coquette
douillet douillette
fluet fluette
muet muette
net nette
simplet simplette
violet violette
complet complete
concret concrete
desuet desuete
discret discrete
incomplet incomplete
indiscret indiscrete
inquiet inquiete
prefet prefete
secret secrete
devot devote
huguenot huguenote
idiot idiote
manchot manchote
sot sotte
vieillot vieillotte
adroit adroite
construit construite
cuit cuite
droit droite
erudit erudite
etroit etroite
fait faite
fortuit fortuite
gratuit gratuite
imparfait imparfaite
inedit inedite
interdit interdite
maladroit maladroite
parfait parfaite
petit petite
precuit precuite
reduit reduite
satisfait satisfaite
traduit traduite
abject abjecte
circonspect circonspecte
compact compacte
correct correcte
direct directe
distinct distincte
exact exacte
incorrect incorrecte
indirect indirecte
indistinct indistincte
inexact inexacte
intact intacte
strict stricte
succinct succincte
suspect suspecte
abrupt abrupte
brut brute
court courte
couvert couverte
desert deserte
expert experte
exempt exempte
extrafort extraforte
fort forte
haut haute
mort morte
offert offerte
ouvert ouverte
prompt prompte
vert verte
adjoint adjointe
agent agente
chef cheffe
ovin ovine
auvergnat auvergnate
mosellan mosellane
precontraint precontrainte
amant amante
clement clemente
conjoint conjointe
defunt defunte
geant geante
joint jointe
lent lente
vehement vehemente
bref breve
juif juive
naif naive
neuf neuve
tardif tardive
maladif maladive
vif vive
veuf veuve
amer amere
cher chere
fier fiere
clair claire
noir noire
impair impaire
dur dure
futur future
impur impure
obscur obscure
pur pure
civil civile
espagnol espagnole
filleul filleule
incivil incivile
pueril puerile
seul seule
subtil subtile
vil vile
viril virile
volatil volatile
ami amie
apprenti apprentie
demi demie
defini definie
ennemi ennemie
fini finie
garni garnie
hardi hardie
indefini indefinie
infini infinie
joli jolie
uni unie
verni vernie
gai gaie
vrai vraie
bleu bleue
elu elue
hote hotesse
maitre maitresse
prince princesse
tout toute tous
saint sainte st ste
exploitation lexploitation
oeuvre doeuvre
ouvrage douvrage
`

// unrelated lists words that look like feminines and that a rule would join to
// another word: bassine to bassin, lisière to lisier, the participle signalé to
// signal; then nouns in -ée: tranchée to tranche. A few are here only for the
// look of their terms: matière would be matier.
const unrelated = `
accidente argente avenue banlieue barriere bassine bottine carriere
charniere chevrotine crepine dessine destine dizaine douzaine draine filiere
frontiere glaciere graviere huitaine implante invente jardine javelle lieue
lisiere lumiere machine maniere matiere matrice medecine motive moutarde
oriente patine pierriere placarde plante poudriere poussiere praline rapine
regarde retarde revue riviere rondelle signale situe sommiere statue terrine
trentaine turbine vaccine vente

allee annee apogee armee arrivee assemblee avancee bouchee bouee buee
chambree chaussee cheminee corvee couvee cuvee cylindree denree destinee
donnee dragee duree echappee echauffouree enjambee entree epee equipee fee
fessee flambee foulee fournee fumee fusee gelee giboulee gorgee idee
jetee jonchee journee levee lignee livree lycee maree matinee mausolee melee
montee musee nausee nuee ombree ondee oree palee patee pensee percee platree
plongee poelee poignee portee poussee puree raclee ramee randonnee
rangee rentree risee rosee ruchee ruee saignee soiree tablee tetee tolee
tournee trainee tranchee travee trophee trouee uree vallee veillee verree
viree volee
`

// invariable lists words whose s or x is not a plural’s. Some would be joined
// to another word (Paris to pari, congrès to congre, taux to a word in -al);
// the others are here so that their terms can be read.
const invariable = `
abces acces alors angers appentis apres arras avis biais bois bras bus
calais campus cas chassis colis commis concours congres corps deces dehors
dessous dessus devis discours engrais exces fois fracas gres heros hors
jamais jus logis mais marais mepris moins mois orleans palais parcours paris
pays permis plus poids pois proces processus progres puits rebus recours
refus reims relais repas sans secours semis souris sous succes taillis tapis
temps tennis toujours treillis tres univers velours verglas virus
chaux deux eux mieux surtaux taux travaux
`
