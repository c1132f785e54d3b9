import { useQuery } from '@apollo/client/react';
import { DeliveriesDocument } from '../gql/deliveries';
import { Failure, Page, Skeleton } from '../Page';
import { Link, to, usePlace } from '../router';
import { useDeliveriesWords } from '../words/deliveries';

/** What a watch sent, to whom and when, and whether it does its work. */
export function Deliveries({ id }: { id: string }) {
  const said = useDeliveriesWords();
  const { trail } = usePlace();
  // What is sent changes by itself.
  const { data, error, refetch, fetchMore } = useQuery(DeliveriesDocument, { variables: { watchId: id }, fetchPolicy: 'cache-and-network' });
  const watch = data?.watch;
  const list = watch?.deliveries;
  const when = (moment: string | null | undefined) => (moment ? said.moment(moment) : said.notYet);
  return (
    <Page title={watch ? said.deliveriesOf(watch.name) : said.deliveries} above={<p className="above"><Link href={trail?.list ?? to()}>{said.back}</Link></p>}>
      <section className="card" aria-label={said.deliveries}>
        {data && !watch && <p className="empty">{said.unknownWatch}</p>}
        {!data && (error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={6} />)}
        {watch?.health && (
          <dl className="facts">
            <div><dt>{said.lastMatch}</dt><dd>{when(watch.health.lastMatchAt)}</dd></div>
            <div><dt>{said.lastMail}</dt><dd>{when(watch.health.lastMailAt)}</dd></div>
            {watch.active && <div><dt>{said.lastEvaluated}</dt><dd>{when(watch.health.lastEvaluatedAt)}</dd></div>}
          </dl>
        )}
        {watch?.active && !watch.receiving && <p className="warning">{said.nobodyReached}</p>}
        {list?.totalCount === 0 && <p className="empty">{said.noDelivery}</p>}
        {list && list.edges.length > 0 && (
          <table className="rows deliveries" role="table" aria-label={said.deliveries}>
            <thead role="rowgroup">
              <tr role="row">
                <th role="columnheader" scope="col">{said.tender}</th>
                <th role="columnheader" scope="col">{said.what}</th>
                <th role="columnheader" scope="col">{said.recipient}</th>
                <th role="columnheader" scope="col">{said.when}</th>
              </tr>
            </thead>
            <tbody role="rowgroup">
              {list.edges.map(({ node }) => (
                <tr role="row" key={node.id}>
                  <td role="cell"><Link href={to('marches', node.tender.source, node.tender.sourceRef)}>{node.tender.title}</Link></td>
                  <td role="cell">
                    <span className="kind">{said.kinds[node.kind]}</span>
                    {node.reasons.filter(({ watch, keywords }) => watch.id === id && keywords.length > 0).map(({ watch, keywords }) => (
                      <p key={watch.id} className="count">{said.keywordsFound} {keywords.join(', ')}</p>
                    ))}
                  </td>
                  <td role="cell">{node.recipient.email}</td>
                  <td role="cell">
                    <span className={`tag ${node.status.toLowerCase()}`}>{said.deliveryStatuses[node.status]}</span>
                    {node.sentAt && <p className="count">{said.moment(node.sentAt)}</p>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {list?.pageInfo.hasNextPage && (
          <p><button type="button" onClick={() => void fetchMore({ variables: { after: list.pageInfo.endCursor } })}>{said.showMore}</button></p>
        )}
      </section>
    </Page>
  );
}
