import { saying } from '../language';

/** The words of feeds and calendars, beside those of all of the page. */
const fr = {
  feeds: 'Flux et agenda de cette veille',
  feedsTitle: 'Flux et agendas',
  feedsOf: 'Flux et agenda de',
  allWatches: 'Toutes mes veilles',
  feedsHint: 'Suivez les marchés dans un lecteur de flux, et leurs dates limites dans votre agenda. Toute personne qui a l’une de ces adresses peut voir ces marchés, les noms des veilles et leurs mots clés : si une adresse est connue de trop de monde, remplacez-la. L’ancienne ne fonctionnera plus, et ceux qui la suivent devront recevoir la nouvelle.',
  feedUrl: 'Adresse du flux (Atom) :',
  calendarUrl: 'Adresse de l’agenda (iCalendar) :',
  copied: 'L’adresse a été copiée.',
  rotateFeeds: 'Remplacer ces adresses',
  rotateAllFeeds: 'Remplacer toutes les adresses',
  rotateFeedsAsk: 'Remplacer les adresses de cette veille ?',
  rotateFeedsText: 'Les adresses actuelles du flux et de l’agenda de cette veille cesseront de fonctionner. Ceux qui les suivent devront recevoir les nouvelles.',
  rotateAllFeedsAsk: 'Remplacer toutes les adresses ?',
  rotateAllFeedsText: 'Les adresses actuelles des flux et des agendas, celles de chaque veille aussi, cesseront de fonctionner. Ceux qui les suivent devront recevoir les nouvelles.',
  feedsRotated: 'Les adresses de cette veille ont été remplacées. Les anciennes ne fonctionnent plus.',
  allFeedsRotated: 'Toutes les adresses ont été remplacées, celles de chaque veille aussi. Les anciennes ne fonctionnent plus.',
};

const en: typeof fr = {
  feeds: 'Feed and calendar of this watch',
  feedsTitle: 'Feeds and calendars',
  feedsOf: 'Feed and calendar of',
  allWatches: 'All my watches',
  feedsHint: 'Follow the tenders in a feed reader, and their deadlines in your calendar. Anyone who has one of these addresses can see these tenders, the names of the watches and their keywords: if too many people know an address, replace it. The former one will no longer work, and those who follow it will need the new one.',
  feedUrl: 'Address of the feed (Atom):',
  calendarUrl: 'Address of the calendar (iCalendar):',
  copied: 'The address was copied.',
  rotateFeeds: 'Replace these addresses',
  rotateAllFeeds: 'Replace all addresses',
  rotateFeedsAsk: 'Replace the addresses of this watch?',
  rotateFeedsText: 'The present addresses of the feed and calendar of this watch will no longer work. Those who follow them will need the new ones.',
  rotateAllFeedsAsk: 'Replace all addresses?',
  rotateAllFeedsText: 'The present addresses of all feeds and calendars, those of each watch too, will no longer work. Those who follow them will need the new ones.',
  feedsRotated: 'The addresses of this watch were replaced. The former ones no longer work.',
  allFeedsRotated: 'All addresses were replaced, those of each watch too. The former ones no longer work.',
};

export const useFeedsWords = saying({ FR: fr, EN: en });
