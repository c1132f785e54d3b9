import { saying } from '../language';

/** The words of the alerts of a watch, beside those of all of the page. */
const fr = {
  deliveryStatuses: { WAITING: 'À envoyer', HELD: 'Envoi suspendu', SENT: 'Envoyé', DROPPED: 'Non envoyé', FAILED: 'Échec de l’envoi' },
  noDelivery: 'Cette veille n’a encore envoyé aucune alerte.',
  recipient: 'Destinataire',
  what: 'Motif',
  when: 'État de l’envoi',
  keywordsFound: 'Mots clés trouvés :',
  lastMatch: 'Dernière alerte déclenchée',
  lastMail: 'Dernier courriel envoyé',
  lastEvaluated: 'Dernière vérification',
  notYet: 'pas encore',
};

const en: typeof fr = {
  deliveryStatuses: { WAITING: 'To be sent', HELD: 'On hold', SENT: 'Sent', DROPPED: 'Not sent', FAILED: 'Sending failed' },
  noDelivery: 'This watch has sent no alerts yet.',
  recipient: 'Recipient',
  what: 'Why',
  when: 'Sending',
  keywordsFound: 'Keywords found:',
  lastMatch: 'Last alert triggered',
  lastMail: 'Last email sent',
  lastEvaluated: 'Last checked',
  notYet: 'not yet',
};

export const useDeliveriesWords = saying({ FR: fr, EN: en });
