import { saying } from '../language';

/** The words of the free search, beside those of all of the page. */
const fr = {
  watchThis: 'Créer une veille à partir de cette recherche',
  foundCount: (n: number, text: string) => (n > 1 ? `${text} marchés trouvés` : `${text} marché trouvé`),
  corrected: (words: string) => `Aucun marché ne contient exactement ces mots. Voici les résultats pour « ${words} ».`,
  noneFound: 'Aucun marché ne contient tous ces mots. Essayez avec moins de mots.',
  onlyIn: 'Chercher seulement dans :',

  readUntil: (label: string, moment: string) => `${label} : avis connus jusqu’au ${moment}.`,

  searchLabel: 'Mots à rechercher',
  searchButton: 'Rechercher',
  searchHint: 'Le marché doit contenir tous les mots. Les fautes de frappe et les accents oubliés sont tolérés.',
  onlineOnly: 'Seulement les marchés en ligne',
};

const en: typeof fr = {
  watchThis: 'Create a watch from this search',
  foundCount: (n, text) => (n === 1 ? `${text} tender found` : `${text} tenders found`),
  corrected: (words: string) => `No tender has exactly these words. These are the results for “${words}”.`,
  noneFound: 'No tender has all of these words. Try fewer words.',
  onlyIn: 'Search only in:',

  readUntil: (label: string, moment: string) => `${label}: notices known up to ${moment}.`,

  searchLabel: 'Words to search for',
  searchButton: 'Search',
  searchHint: 'The tender must contain all of the words. Typing errors and missing accents are tolerated.',
  onlineOnly: 'Only tenders online',
};

export const useSearchWords = saying({ FR: fr, EN: en });
