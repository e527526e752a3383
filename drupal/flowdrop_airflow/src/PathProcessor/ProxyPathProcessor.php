<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\PathProcessor;

use Drupal\Core\PathProcessor\InboundPathProcessorInterface;
use Drupal\flowdrop_airflow\Contract\ProxyRule;
use Symfony\Component\HttpFoundation\Request;

/**
 * Lets one route serve everything below the proxy's address.
 *
 * A route of Drupal's takes no slashes in a parameter, so the rest of the path
 * travels in the query, which the route cache keeps with it.
 */
final class ProxyPathProcessor implements InboundPathProcessorInterface {

  /**
   * {@inheritdoc}
   */
  public function processInbound($path, Request $request): string {
    $rest = ProxyRule::rest($path);
    if ($rest === NULL) {
      return $path;
    }
    $request->query->set(ProxyRule::PARAMETER, $rest);
    return ProxyRule::BASE;
  }

}
