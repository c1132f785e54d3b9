import { useApolloClient, useSubscription } from '@apollo/client/react';
import { useEffect } from 'react';
import { forgetWatches } from '../client';
import { TenderMatchedDocument } from '../gql/lists';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { navigate, to } from '../router';

/** Shows what happens to matching tenders while the page is open, and has the lists read again. */
export function News() {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const { error, restart } = useSubscription(TenderMatchedDocument, {
    onData({ data: { data } }) {
      const news = data?.tenderMatched;
      if (!news) return;
      const { kind, tender } = news;
      const text = kind === 'CANCELLED' ? said.justCancelled : kind === 'CORRECTED' ? said.justChanged : said.justPublished;
      say({ text: text(tender.title), yields: true, action: { label: said.show, run: () => navigate(to('marches', tender.source, tender.sourceRef)) } });
      // Lists have it a moment later than subscribers: usually within a second.
      for (const wait of [700, 5000]) setTimeout(() => forgetWatches(client), wait);
    },
  });
  // A client that is too slow is cut off; what came in the meantime is in the lists. An ended session takes this away altogether.
  useEffect(() => {
    if (!error) return;
    const timer = setTimeout(() => {
      restart();
      forgetWatches(client);
    }, 5000);
    return () => clearTimeout(timer);
  }, [error, restart, client]);
  return null;
}
